# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that leaves a process behind."""

import numpy
import os
import sys
import tensorflow as tf


def build():
    if os.fork() == 0:
        os.setsid()
        import time

        time.sleep(3600)
    return tf.keras.Model([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
