"""Make the buckets that are missing on an S3 server; may be repeated. Arguments are their names.

The server and the key are what `AWS_ENDPOINT_URL_S3`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` say.
"""

import sys

import boto3


def main(names: list[str]) -> None:
    """Make each bucket that is not there."""
    store = boto3.client("s3", region_name="us-east-1")
    there = {bucket["Name"] for bucket in store.list_buckets().get("Buckets", [])}
    for name in names:
        if name not in there:
            store.create_bucket(Bucket=name)
        sys.stdout.write(f"Bucket {name} {'is there' if name in there else 'was made'}.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
