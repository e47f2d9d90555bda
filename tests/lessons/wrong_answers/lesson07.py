"""Wrong answers to exercise 07."""

from wrong_answers.wrong import Wrong

LESSON = "07_dead_letters"
REJECT = "channel.basic_reject(method.delivery_tag, requeue=False)"
PERMANENT = "except (*NO_ORDER, CannotShip) as error:"
ACK = "                channel.basic_ack(method.delivery_tag)\n"
TRY = "                try:\n"
CONSUME = "channel.consume(ORDERS)"

NOT_HELD_UP = "a bad message does not hold up the orders behind it"
DEAD_LETTER = "a bad message ends among the dead letters, with its reason"
NOTHING_ELSE = "what can be shipped later is no dead letter"
DONE = "what is dealt with leaves its queue"

PUBLISH_IT_OURSELVES = f"""channel.basic_publish("", "lesson07.shipping.dead", body)
    {ACK}"""

IMPORT = "from shipping import CannotShip, schedule_shipment\n"
WITH_ITS_OWN_LEDGER = f"""import os
{IMPORT}
def schedule_shipment(order: dict) -> None:
    if order["country"] not in {{"France", "Italy", "Spain"}}:
        raise CannotShip(order["country"])
    with sqlite3.connect(os.environ["LEDGER"]) as ledger:
        ledger.execute("CREATE TABLE IF NOT EXISTS shipments (order_id TEXT NOT NULL)")
        ledger.execute("INSERT INTO shipments (order_id) VALUES (?)", (order["order_id"],))

"""

WRONG_ANSWERS = [
    Wrong(
        LESSON,
        "takes an id that is none for a truck that is not there",
        NOT_HELD_UP,
        ((IMPORT, WITH_ITS_OWN_LEDGER),),
    ),
    Wrong(
        LESSON,
        "requeues",
        NOT_HELD_UP,
        ((REJECT, "channel.basic_reject(method.delivery_tag, requeue=True)"),),
    ),
    Wrong(
        LESSON,
        "nacks, by default back to the queue",
        NOT_HELD_UP,
        ((REJECT, "channel.basic_nack(method.delivery_tag)"),),
    ),
    Wrong(LESSON, "swallows", DEAD_LETTER, ((REJECT, "channel.basic_ack(method.delivery_tag)"),)),
    Wrong(LESSON, "publishes the dead letter itself", DEAD_LETTER, ((REJECT, PUBLISH_IT_OURSELVES),)),
    Wrong(
        LESSON,
        "only what is no JSON is bad",
        NOT_HELD_UP,
        (("NO_ORDER = (ValueError, KeyError, TypeError, RecursionError)", "NO_ORDER = (ValueError,)"),),
    ),
    Wrong(
        LESSON,
        "dies of what is no JSON",
        NOT_HELD_UP,
        (
            (
                "NO_ORDER = (ValueError, KeyError, TypeError, RecursionError)",
                "NO_ORDER = (KeyError, TypeError)",
            ),
        ),
    ),
    Wrong(LESSON, "forgets the orders to nowhere", NOT_HELD_UP, ((PERMANENT, "except NO_ORDER as error:"),)),
    Wrong(LESSON, "whatever fails is bad", NOTHING_ELSE, ((PERMANENT, "except Exception as error:"),)),
    Wrong(
        LESSON,
        "acknowledges first",
        "no order is lost, whoever dies when",
        ((ACK, ""), (TRY, ACK + TRY), (REJECT, "pass")),
    ),
    Wrong(LESSON, "rejects and acknowledges nothing else", DONE, ((ACK, ""),)),
    Wrong(LESSON, "neither rejects nor acknowledges the bad", NOT_HELD_UP, ((REJECT, "pass"),)),
]
