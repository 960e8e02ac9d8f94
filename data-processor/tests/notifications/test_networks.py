import subprocess
import sys

import pytest

from data_processor.notifications.networks import Networks

CONNECTING = """
import socket, subprocess, sys
from data_processor.notifications.networks import Networks, guard
refusals = guard(Networks(sys.argv[3:]))
try:
    if sys.argv[1] == "program":
        subprocess.run(["true"])
    elif sys.argv[1] == "unix":
        socket.socket(socket.AF_UNIX).connect(sys.argv[2])
    elif sys.argv[1] == "datagram":
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[2], 9))
    else:
        socket.create_connection((sys.argv[2], 9), timeout=5)
except OSError as error:
    print(type(error).__name__, *refusals[:1])
"""


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "ff02::1",
        "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "localhost", "example.org", "",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_however_it_is_written(host: str) -> None:
    assert not Networks().permit(host)


@pytest.mark.parametrize(
    "host", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_permitted(host: str) -> None:
    assert Networks().permit(host)


def test_networks_of_the_settings_are_permitted_too() -> None:
    networks = Networks(["10.0.0.0/8", "fd00::/8"])
    assert networks.permit("10.1.2.3")
    assert networks.permit("::ffff:10.1.2.3")
    assert networks.permit("fd00::1")
    assert not networks.permit("192.168.1.1")


@pytest.mark.parametrize(
    ("how", "where", "said"),
    [
        ("connection", "127.0.0.1", "RefusedError 127.0.0.1 is no public address"),
        ("connection", "localhost", "is no public address"),
        ("datagram", "127.0.0.1", "RefusedError 127.0.0.1 is no public address"),
        ("unix", "/run/nothing", "RefusedError A local socket is no public address"),
        ("program", "", "RefusedError Only services that are reached over the network"),
    ],
)
def test_a_guarded_process_connects_nowhere_else_whatever_opens_the_connection(
    how: str, where: str, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONNECTING, how, where], capture_output=True, text=True, check=True
    )
    assert said in done.stdout


def test_a_guarded_process_connects_where_it_may() -> None:
    command = [sys.executable, "-c", CONNECTING, "connection", "127.0.0.1", "127.0.0.0/8"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ConnectionRefusedError"
