"""Wrong answers to exercise 08."""

from wrong_answers.wrong import Wrong

LESSON = "08_retries"
PUBLISH = '    channel.basic_publish("", target, body, properties, mandatory=True)\n'
ACK = "    channel.basic_ack(method.delivery_tag)\n"
TARGET = "wait_queue(WAITS_MS[failures]) if failures < len(WAITS_MS) else PARKED"
FAILED = "                    try_later(channel, method, properties, body)\n"

OTHERS = "other orders do not wait for one that fails"
PEACE = "between two tries a failing order waits, longer each time"
IS_PARKED = "an order that has failed four times is parked"
SURVIVES = "no order is lost on its way to wait"

SLEEP_MS = "channel.connection.sleep(WAITS_MS[failures] / 1000)"
SLEEP_THEN_TO_THE_END = (
    ("    target = ", f"    if failures < len(WAITS_MS):\n        {SLEEP_MS}\n    target = "),
    (TARGET, "ORDERS if failures < len(WAITS_MS) else PARKED"),
)
TRY_IN_ONE_DELIVERY = """                    for wait in WAITS_MS:
                        connection.sleep(wait / 1000)
                        try:
                            schedule_shipment(order)
                            break
                        except sqlite3.Error:
                            pass
                    else:
                        channel.basic_publish("", PARKED, body, properties, mandatory=True)
                    channel.basic_ack(method.delivery_tag)
"""

WRONG_ANSWERS = [
    Wrong(
        LESSON,
        "requeues at once",
        OTHERS,
        ((PUBLISH + ACK, "    channel.basic_reject(method.delivery_tag, requeue=True)\n"),),
    ),
    Wrong(
        LESSON,
        "sleeps and requeues",
        OTHERS,
        (
            (
                PUBLISH + ACK,
                "    channel.connection.sleep(1)\n"
                "    channel.basic_reject(method.delivery_tag, requeue=True)\n",
            ),
        ),
    ),
    Wrong(LESSON, "sleeps and publishes it again at the end of the queue", OTHERS, SLEEP_THEN_TO_THE_END),
    Wrong(LESSON, "sleeps and tries again in one delivery", OTHERS, ((FAILED, TRY_IN_ONE_DELIVERY),)),
    Wrong(
        LESSON,
        "publishes new properties, which are not persistent",
        SURVIVES,
        (
            ("    properties.headers = {FAILURES", "    properties = pika.BasicProperties(headers={FAILURES"),
            ("failures + 1}\n", "failures + 1})\n"),
        ),
    ),
    Wrong(LESSON, "always waits the shortest time", PEACE, (("WAITS_MS[failures]", "WAITS_MS[0]"),)),
    Wrong(LESSON, "never gives up", IS_PARKED, ((TARGET, "wait_queue(WAITS_MS[min(failures, 2)])"),)),
    Wrong(
        LESSON,
        "gives up one try too early",
        IS_PARKED,
        (("else PARKED", "else PARKED"), ("failures < len(WAITS_MS)", "failures < 2")),
    ),
    Wrong(LESSON, "forgets how often", PEACE, (("FAILURES: failures + 1", "FAILURES: 1"),)),
    Wrong(LESSON, "publishes without mandatory", SURVIVES, ((", mandatory=True", ""),)),
    Wrong(
        LESSON,
        "publishes without confirms",
        SURVIVES,
        (("            channel.confirm_delivery()\n", ""),),
    ),
    Wrong(LESSON, "acknowledges before it publishes", SURVIVES, ((PUBLISH + ACK, ACK + PUBLISH),)),
]
