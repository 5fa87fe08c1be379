"""Starts mtprotoproxy 1.0.6 with a configuration file, on a Python that is newer than it."""

import asyncio
import pathlib
import runpy
import sys
import urllib.request

start_server = asyncio.start_server


def start_server_without_loop(*words, loop=None, **options):
    """Python 3.10 took the parameter `loop` away, which the proxy still gives."""
    return start_server(*words, **options)


def no_way_out(*words, **options):
    """The proxy asks web sites for its address, which it needs for advertising alone."""
    raise OSError("this network has no way out")


asyncio.start_server = start_server_without_loop
urllib.request.urlopen = no_way_out
# Newer Pythons make no loop by themselves.
asyncio.set_event_loop(asyncio.new_event_loop())

program = pathlib.Path(sys.executable).with_name("mtprotoproxy.py")
sys.argv[0] = str(program)
runpy.run_path(str(program), run_name="__main__")
