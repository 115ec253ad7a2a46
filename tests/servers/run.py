#!/usr/bin/env python3
"""Runs the tests that need an outside S3 server: installs it, starts it, tests, stops it.

    tests/servers/run.py radosgw|localstack|moto [TEST NAME ...]

Only stops processes that it started. Packages come from Debian (radosgw; root is needed where they
are missing) and from PyPI, the latter into target/servers, where the next run finds them.
LocalStack needs Python 3.13; where there is none, `localstack` runs moto.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "target" / "servers"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# The one key of radosgw's testing KMS: 32 bytes in base64. It protects nothing.
KMS_KEY = "test-key=" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

LOCALSTACK = ["localstack-core[runtime]==4.14.0", "service_identity", "cbor2<5.8", "pyopenssl<25.2"]
MOTO = ["moto[server,s3]==5.2.5"]
# Name of a program, and the Debian package that has it.
DEBIAN = {
    "ceph-mon": "ceph-mon",
    "ceph-osd": "ceph-osd",
    "ceph": "ceph-common",
    "radosgw": "radosgw",
    "faketime": "faketime",
}

# Every wait ends: a server that hangs shall not hold up all that comes after it.
INSTALL_SECONDS_MAX = 300
START_SECONDS_MAX = 60
TEST_SECONDS_MAX = 900
STOP_SECONDS_MAX = 10
# Of each server's log, shown when something failed.
LOG_LINES_SHOWN = 60


class Servers:
    """Processes of one server, in a scratch folder that goes with them."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="s3-server-"))
        self.started = []

    def start(self, name, *command, env=None):
        """Starts a process that stays, with its output in a log of its name."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=self.folder,
                # A group of its own: a server's own children end with it.
                start_new_session=True,
            )
        self.started.append((name, process))
        return process

    def stop(self):
        for _, process in reversed(self.started):
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def dead(self):
        return [name for name, process in self.started if process.poll() is not None]

    def show_logs(self):
        for log in sorted(self.folder.glob("*.log")):
            lines = [line for line in log.read_text(errors="replace").splitlines() if line]
            print(f"--- {log.name}", *lines[-LOG_LINES_SHOWN:], sep="\n")


def end(process):
    """Ends a process that was started here, and the group that it leads."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None and number == signal.SIGTERM:
            continue
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            pass


def run(*command, seconds=START_SECONDS_MAX, env=None):
    """Runs a command to its end; its output, or an error that shows it."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, env=env
    )
    if done.returncode != 0:
        line = " ".join(map(str, command))
        raise RuntimeError(f"{line}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until_served(servers, url):
    """Waits until a server answers anything at all."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if servers.dead():
            raise RuntimeError(f"ended by itself: {', '.join(servers.dead())}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer in {START_SECONDS_MAX} s")


def need_debian():
    programs = [name for name in DEBIAN if shutil.which(name) is None]
    if not programs:
        return
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run("apt-get", "update", "-qq", seconds=INSTALL_SECONDS_MAX, env=env)
    packages = sorted({DEBIAN[name] for name in programs})
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    run(*install, seconds=INSTALL_SECONDS_MAX, env=env)


def environment(name, python, packages):
    """A virtual environment with these packages; made once, and again when the list changes."""
    folder = KEPT / name
    complete = folder / "complete"
    wanted = "\n".join([python, *packages])
    if complete.exists() and complete.read_text() == wanted:
        return folder / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        run(python, "-m", "venv", folder, seconds=INSTALL_SECONDS_MAX)
    except RuntimeError:
        # Debian's Python comes without what makes environments.
        run("apt-get", "update", "-qq", seconds=INSTALL_SECONDS_MAX)
        run("apt-get", "install", "-y", "-qq", "python3-venv", seconds=INSTALL_SECONDS_MAX)
        run(python, "-m", "venv", "--clear", folder, seconds=INSTALL_SECONDS_MAX)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, *packages, seconds=INSTALL_SECONDS_MAX)
    complete.write_text(wanted)
    return folder / "bin"


def python_313():
    """A Python 3.13, if this machine has one: by name, or as pyenv keeps them."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in [shutil.which("python3.13"), *sorted(kept.glob("3.13*/bin/python3.13"))]:
        if candidate is None:
            continue
        try:
            run(candidate, "-c", "import sys; assert sys.version_info[:2] == (3, 13)")
            return str(candidate)
        except (RuntimeError, OSError):
            continue
    return None


def start_moto(servers):
    binaries = environment("moto", sys.executable, MOTO)
    (port,) = free_ports(1)
    servers.start("moto", binaries / "moto_server", "-H", "127.0.0.1", "-p", str(port))
    return f"http://127.0.0.1:{port}"


def start_localstack(servers, python):
    binaries = environment("localstack", python, LOCALSTACK)
    (port,) = free_ports(1)
    env = dict(
        os.environ,
        GATEWAY_LISTEN=f"127.0.0.1:{port}",
        SERVICES="s3,kms",
        EAGER_SERVICE_LOADING="0",
        DISABLE_EVENTS="1",
        SKIP_SSL_CERT_DOWNLOAD="1",
        LOCALSTACK_VOLUME_DIR=str(servers.folder / "volume"),
        FILESYSTEM_ROOT=str(servers.folder / "root"),
    )
    servers.start(
        "localstack", binaries / "python", "-m", "localstack.runtime.main", env=env
    )
    return f"http://127.0.0.1:{port}"


def ceph_configuration(folder, fsid, mon_ports):
    """One monitor, one store in memory, no keys between them: all is on loopback."""
    mon = f"[v2:127.0.0.1:{mon_ports[0]},v1:127.0.0.1:{mon_ports[1]}]"
    settings = {
        "fsid": fsid,
        "mon host": mon,
        "public addr": "127.0.0.1",
        "cluster addr": "127.0.0.1",
        "auth cluster required": "none",
        "auth service required": "none",
        "auth client required": "none",
        # radosgw would have it secure, which takes keys.
        "ms mon client mode": "crc",
        "run dir": folder,
        "admin socket": f"{folder}/$name.asok",
        "pid file": "",
        "log file": "",
        "log to stderr": "true",
        "err to stderr": "true",
        "mon data": f"{folder}/mon",
        "osd data": f"{folder}/osd",
        "osd objectstore": "memstore",
        "memstore device bytes": "4294967296",
        "osd crush chooseleaf type": "0",
        "osd pool default size": "1",
        "osd pool default min size": "1",
        "osd pool default pg num": "4",
        "osd pool default pg autoscale mode": "off",
        "mon allow pool size one": "true",
        "mon max pg per osd": "1000",
        "mon data avail crit": "1",
        "rgw thread pool size": "32",
        "rgw crypt require ssl": "false",
        "rgw crypt s3 kms backend": "testing",
        "rgw crypt s3 kms encryption keys": KMS_KEY,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    path = folder / "ceph.conf"
    path.write_text("\n".join(["[global]", *lines, ""]))
    return path, mon


def start_radosgw(servers):
    need_debian()
    folder = servers.folder
    fsid = str(uuid.uuid4())
    *mon_ports, port = free_ports(3)
    conf, mon = ceph_configuration(folder, fsid, mon_ports)
    for name in ("mon", "osd"):
        (folder / name).mkdir()
    keys, monmap = folder / "keys", folder / "monmap"
    # Nobody is asked for a key; the monitor wants a file of them all the same.
    run("ceph-authtool", "--create-keyring", keys, "--gen-key", "-n", "mon.")
    run("monmaptool", "--create", "--addv", "a", mon, "--fsid", fsid, monmap)
    as_mon = ["ceph-mon", "-c", conf, "-i", "a"]
    run(*as_mon, "--mkfs", "--monmap", monmap, "--keyring", keys)
    servers.start("mon", *as_mon, "-f", "--keyring", keys)
    osd = str(uuid.uuid4())
    run("ceph", "-c", conf, "--connect-timeout", "30", "osd", "new", osd)
    as_osd = ["ceph-osd", "-c", conf, "-i", "0"]
    run(*as_osd, "--mkfs", "--osd-uuid", osd)
    servers.start("osd", *as_osd, "-f")
    admin = ["radosgw-admin", "-c", conf, "user", "create", "--uid", "tests"]
    credentials = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]
    run(*admin, "--display-name", "tests", *credentials)
    as_gateway = ["radosgw", "-c", conf, "-n", "client.rgw"]
    frontend = f"beast endpoint=127.0.0.1:{port}"
    servers.start("radosgw", *as_gateway, "-f", "--rgw-frontends", frontend)
    return f"http://127.0.0.1:{port}"


def start(name, servers):
    """Starts a server; its address, and under which name it answers."""
    python = python_313() if name == "localstack" else None
    if name == "radosgw":
        return start_radosgw(servers), name
    if python is not None:
        return start_localstack(servers, python), name
    if name == "localstack":
        print("no Python 3.13 here: moto stands in for LocalStack", flush=True)
    return start_moto(servers), "moto"


def test(endpoint, name, filters):
    env = dict(
        os.environ,
        S3SIEVE_TEST_ENDPOINT=endpoint,
        S3SIEVE_TEST_SERVER=name,
        AWS_ACCESS_KEY_ID=ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY=SECRET_KEY,
        AWS_EC2_METADATA_DISABLED="true",
    )
    command = ["cargo", "test", "--test", "outside", "--", "--ignored"]
    if name != "radosgw":
        # The others check neither signatures nor times.
        command += ["--skip", "strict::"]
    # One cargo test is one process group, ended whole where it takes too long.
    process = subprocess.Popen(
        [*command, *filters], cwd=ROOT, env=env, start_new_session=True
    )
    try:
        return process.wait(TEST_SECONDS_MAX)
    except BaseException:
        end(process)
        raise


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ("radosgw", "localstack", "moto"):
        sys.exit("usage: tests/servers/run.py radosgw|localstack|moto [TEST NAME ...]")
    # So that a run that is told to end stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    servers = Servers()
    status = 1
    try:
        begin = time.monotonic()
        endpoint, name = start(sys.argv[1], servers)
        wait_until_served(servers, endpoint)
        print(f"{name} at {endpoint} after {time.monotonic() - begin:.1f} s", flush=True)
        status = test(endpoint, name, sys.argv[2:])
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"{sys.argv[1]}: {error}")
    finally:
        if status != 0:
            servers.show_logs()
        servers.stop()
    sys.exit(status)


if __name__ == "__main__":
    main()
