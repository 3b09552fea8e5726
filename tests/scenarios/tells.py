# /// script
# requires-python = ">=3.7"
#
# [tool.matrix]
# variants = ["bare"]
# ///
"""A scenario whose model predicts how it was asked: a pipeline or arrays, a fork or not, its process, how it trained."""

import numpy
import os
import sys
import tensorflow as tf


class Told(tf.keras.Model):
    stepwise = False

    def train_on_batch(self, x, y):
        self.stepwise = self.run_eagerly

    def predict(self, x, verbose=0):
        facts = (isinstance(x, tf.data.Dataset), "child" in sys.argv, os.getpid(), self.stepwise, self.run_eagerly)
        return numpy.array([facts], "float64")


def build():
    model = Told([tf.keras.layers.Dense(3)], 4)
    model.compile("adam", "mse")
    return model


def inputs():
    return numpy.ones((2, 4), "float32")
