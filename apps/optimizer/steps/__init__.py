"""The steps of one turn of a driver: reap, judge, close, launch inside a tick; ask outside it.

Each takes the driver's memory (`work.Work`) and, where it writes, the open tick.
"""
