"""What the program asks of the machine: errors, files, locks, memory, threads, devices, processes, progress.

Knows nothing of images or networks. Imports no other package of landcover.
"""
