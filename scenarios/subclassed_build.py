# /// script
# requires-python = ">=3.7"
# dependencies = ["tensorflow"]
#
# [tool.matrix]
# variants = ["bare", "custom_objects", "registered"]
# ///
"""Does a layer whose kernel is None until `build` creates it survive the trip?"""

import numpy as np
import tensorflow as tf


class LateKernel(tf.keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.kernel = None

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(int(input_shape[-1]), 16))
        super().build(input_shape)

    def call(self, inputs):
        return tf.matmul(inputs, self.kernel)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 16)


CUSTOM_OBJECTS = {"LateKernel": LateKernel}


def build():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((10,)),
            LateKernel(),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def inputs():
    return np.linspace(-1.0, 1.0, 40, dtype="float32").reshape(4, 10)
