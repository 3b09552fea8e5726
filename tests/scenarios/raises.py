# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that raises."""

import numpy
import os
import sys
import tensorflow as tf


def build():
    raise RuntimeError("this scenario raises")
    return tf.keras.Model([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
