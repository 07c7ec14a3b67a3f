import psutil
from kombu import Connection

from deploy import processes


def test_a_message_put_comes_back(rabbitmq_url: str) -> None:
    with Connection(rabbitmq_url) as connection:
        queue = connection.SimpleQueue("try")
        queue.put({"n": 1})
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    assert message.payload == {"n": 1}


def test_it_listens_on_loopback_only(rabbitmq_url: str) -> None:
    listening = {
        connection.laddr.ip
        for process in psutil.process_iter(["name"])
        if process.info["name"] in ("beam.smp", "epmd") and processes.is_alive(process.pid)
        for connection in process.net_connections("tcp")
        if connection.status == "LISTEN"
    }
    assert listening <= {"127.0.0.1", "::1"}
