# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that leaves a process in a session of its own behind, and hangs."""

import numpy
import os
import tensorflow as tf
import time


def build():
    if os.fork() == 0:
        os.setsid()
    time.sleep(3600)
    return tf.keras.Model([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
