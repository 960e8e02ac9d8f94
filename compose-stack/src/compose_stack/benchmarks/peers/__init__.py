"""What Loopkeeper is compared with: the same trained pipeline, served the two usual ways.

These programs run in the environment of `mlflow-server`, never in ours: the plain way of serving is a pickle,
and nothing else here ever reads or writes one.
"""
