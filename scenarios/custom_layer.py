# /// script
# requires-python = ">=3.7"
# dependencies = ["tensorflow"]
#
# [tool.matrix]
# variants = ["bare", "custom_objects", "registered"]
# ///
"""Does a layer with constructor arguments and no `get_config` survive the trip?"""

import numpy as np
import tensorflow as tf


class SigmoidTanhLayer(tf.keras.layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(int(input_shape[-1]), self.units))
        super().build(input_shape)

    def call(self, inputs):
        x = tf.matmul(inputs, self.w)
        return tf.sigmoid(x) * tf.tanh(x)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)


CUSTOM_OBJECTS = {"SigmoidTanhLayer": SigmoidTanhLayer}


def build():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Input((10,)),
            SigmoidTanhLayer(units=32),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def inputs():
    return np.linspace(-1.0, 1.0, 40, dtype="float32").reshape(4, 10)
