# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario that cannot be saved as .keras in a forked process."""

import numpy
import os
import sys
import tensorflow as tf


class Fragile(tf.keras.Model):
    def save(self, path, save_format=None):
        super().save(path, save_format)
        if path.endswith(".keras") and "child" not in sys.argv:
            os.kill(os.getpid(), 9)


def build():
    return Fragile([tf.keras.layers.Dense(3)], 4)


def inputs():
    return numpy.ones((2, 4), "float32")
