"""Big maps in the browser: a server on this machine for the page's viewer.

Imports all packages but `export`, `api` and `cli`. Needs Starlette and uvicorn.
"""
