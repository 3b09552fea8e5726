# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that meets a full disk."""

import numpy
import os
import sys
import tensorflow as tf


def build():
    raise OSError(28, "No space left on device")
    return tf.keras.Model([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
