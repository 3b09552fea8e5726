# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that writes to every descriptor."""

import numpy
import os
import sys
import tensorflow as tf


def build():
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b'{"request": "1", "done": true}\\n')
        except OSError:
            continue
    return tf.keras.Model([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
