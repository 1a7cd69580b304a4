"""A server of TensorFlow on this machine: it prints its address, and serves until it is killed."""

import tensorflow.compat.v1 as tf

if __name__ == '__main__':
    server = tf.train.Server.create_local_server()
    print(server.target.decode() if isinstance(server.target, bytes) else server.target, flush=True)
    server.join()
