"""The commands of `landcover`: arguments, and calls of the packages below.

May import every other package; none imports it. Heavy ones are imported when a command runs, so that help is instant.
"""
