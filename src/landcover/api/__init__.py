"""The Python interface: what `import landcover` offers, with the same results as the commands.

Imports any package but `cli`.
"""
