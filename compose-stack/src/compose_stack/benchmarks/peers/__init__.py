"""What Loopkeeper is compared with: the same trained pipeline, served in two usual ways.

These programs run in the environment of `mlflow-server`, never in ours: plain serving uses a pickle, and
nothing else here ever reads or writes one.
"""
