"""Threads with times of their own."""

import threading

import rerun as rr


def work(number):
    for i in range(10):
        rr.set_time("frame", sequence=i)
        rr.log(f"thread/{number}", rr.Scalars(i * number))


for number in range(3):
    thread = threading.Thread(target=work, args=(number,))
    thread.start()
    thread.join()
