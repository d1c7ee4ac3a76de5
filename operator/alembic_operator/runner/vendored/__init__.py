"""Where tools/build_runner.py puts pg8000 and what it needs, under this package's own name.

So they hide nothing of the image's: an application may have a pg8000 of its own. In a checkout there is nothing here.
"""
