# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that prints a gigabyte."""

import numpy
import os
import sys
import tensorflow as tf


def build():
    line = "x" * (1 << 20) + chr(10)
    for _ in range(1024):
        sys.stdout.write(line)
    return tf.keras.Model([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
