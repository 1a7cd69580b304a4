from setuptools import setup

setup()  # everything is in pyproject.toml; this file is for tools that still ask for it
