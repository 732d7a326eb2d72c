"""The program and the machine: errors, files, locks, memory, threads, devices, processes, progress bars.

Nothing here knows of images or networks. Imports no other package of landcover.
"""
