"""From a merge to a stage that serves it: deploy, roll back, record; split the tree; check its files."""
