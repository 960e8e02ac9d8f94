"""Create the missing buckets of those named as arguments on an S3 server; may be repeated.

`AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` set the server and the key.
"""

import sys

import boto3


def main(names: list[str]) -> None:
    """Create each bucket that does not exist."""
    store = boto3.client("s3", region_name="us-east-1")
    there = {bucket["Name"] for bucket in store.list_buckets().get("Buckets", [])}
    for name in names:
        if name not in there:
            store.create_bucket(Bucket=name)
        sys.stdout.write(f"Bucket {name} {'already exists' if name in there else 'was created'}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
