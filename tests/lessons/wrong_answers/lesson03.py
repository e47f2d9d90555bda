"""Wrong answers to exercise 03."""

from wrong_answers.wrong import Wrong

LESSON = "03_publisher_confirms"
IMPORT = "import json\n"
CONFIRMS = "            channel.confirm_delivery()\n"
PERSISTENT = "        delivery_mode=pika.DeliveryMode.Persistent,\n"
ID = 'message_id=f"{SHIPMENT_SCHEDULED}/{order_id}"'
ANNOUNCE = "                announce(channel, order_id)\n"
ANNOUNCE_OR_NOT = """                try:
                    announce(channel, order_id)
                except amqp.UnroutableError:
                    click.echo("nobody listens")
"""
ACK = "                channel.basic_ack(method.delivery_tag)\n"

UNROUTED = "what no queue took is announced again"
SAME_ID = "an announcement that is repeated has the same message_id"

WRONG_ANSWERS = [
    Wrong(LESSON, "confirms without mandatory", UNROUTED, ((", mandatory=True", ""),)),
    Wrong(LESSON, "swallows the return", UNROUTED, ((ANNOUNCE, ANNOUNCE_OR_NOT),)),
    Wrong(
        LESSON,
        "mandatory without confirms",
        "what a full queue turned away is announced again",
        ((CONFIRMS, ""),),
    ),
    Wrong(
        LESSON,
        "a new id each time",
        SAME_ID,
        ((IMPORT, IMPORT + "import uuid\n"), (ID, "message_id=str(uuid.uuid4())")),
    ),
    Wrong(LESSON, "no id", SAME_ID, ((f"        {ID},\n", ""),)),
    Wrong(LESSON, "not persistent", "an announcement outlives a restart of the broker", ((PERSISTENT, ""),)),
    Wrong(
        LESSON,
        "acknowledges first",
        "a cut at any moment loses no announcement",
        ((ACK, ""), (ANNOUNCE, ACK + ANNOUNCE)),
    ),
    Wrong(LESSON, "never acknowledges", "an announced order leaves its queue", ((ACK, ""),)),
]
