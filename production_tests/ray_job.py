"""A job of Ray as a process of its own: ``python ray_job.py ARGUMENTS OPTIONS``, both JSON, on the cluster there is."""

import json
import sys

import ray

from deepexplain.distributed.ray import explain
from deepexplain.tensorflow import Recipe


def main(arguments, options):
    if options.get('connect', True):
        ray.init(address='auto', runtime_env={'worker_process_setup_hook': 'ray_hooks.setup'})
    explain(Recipe.from_json(arguments.pop('recipe')), **arguments)
    print('ended', flush=True)


if __name__ == '__main__':
    main(*map(json.loads, sys.argv[1:]))
