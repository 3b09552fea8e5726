# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario with two inputs, whose model predicts in which form it got them."""

import numpy
import tensorflow as tf


class Told(tf.keras.Model):
    def predict(self, x, verbose=0):
        if isinstance(x, tf.data.Dataset):
            ((first, second),) = x.whole  # as inputs: a pair alone would be inputs and targets
        else:
            first, second = x
        return numpy.array([[first.itemsize, second.itemsize, first.sum(), second.sum()]], "float64")


def build():
    return Told([tf.keras.layers.Dense(3)], 4)


def inputs():
    return [numpy.full((2, 4), 0.5), numpy.arange(2, dtype="int64")]
