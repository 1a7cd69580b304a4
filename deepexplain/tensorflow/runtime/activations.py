"""Which activations have their gradient overridden: a table of op types.

Adding an activation is one row of :data:`ACTIVATIONS`: any op with one input and one output.
"""

#: These ops get the method's own rule. A list, as in 0.3, where projects append to it.
ACTIVATIONS = ['Relu', 'Elu', 'Sigmoid', 'Tanh', 'Softplus']
