"""Wrong answers to exercise 06."""

from wrong_answers.wrong import Wrong

LESSON = "06_idempotent_consumer"
SHIP = """    with transaction(ledger):
        done = ledger.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],))
        if done.rowcount == 1:
            schedule_shipment(ledger, event["data"]["order_id"])
"""
NO_TRANSACTION = ("with transaction(ledger):", "if True:")
REMEMBER_AFTERWARDS = """\
    query = "SELECT 1 FROM handled WHERE event_id = ?"
    if not ledger.execute(query, (event["id"],)).fetchone():
        schedule_shipment(ledger, event["data"]["order_id"])
        ledger.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],))
"""
LOOK_BEFORE = """\
    query = "SELECT 1 FROM handled WHERE event_id = ?"
    if not ledger.execute(query, (event["id"],)).fetchone():
        with transaction(ledger):
            schedule_shipment(ledger, event["data"]["order_id"])
            ledger.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],))
"""
LOOP = "            for method"
CALL = "                ship(ledger, event)\n"
CALL_UNLESS_SEEN = """                if event["id"] not in seen:
                    schedule_shipment(ledger, event["data"]["order_id"])
                    seen.add(event["id"])
"""
CALL_UNLESS_REDELIVERED = """                if not method.redelivered:
                    schedule_shipment(ledger, event["data"]["order_id"])
"""
CALL_AND_ACK_IN_TRANSACTION = """                with transaction(ledger):
                    if ledger.execute("INSERT OR IGNORE INTO handled VALUES (?)", (event["id"],)).rowcount:
                        schedule_shipment(ledger, event["data"]["order_id"])
                    channel.basic_ack(method.delivery_tag)
"""
CALL_OR_SKIP = """                known = "SELECT 1 FROM handled WHERE event_id = ?"
                if ledger.execute(known, (event["id"],)).fetchone():
                    continue
"""
ACK = "                channel.basic_ack(method.delivery_tag)\n"

TWICE = "an event that is published twice ships its order once"
AGAIN = "an event that comes back ships its order once"
TOGETHER = "a shipment and the memory of it are written together, or not at all"
SURVIVES = "no order is lost, whoever dies when"

WRONG_ANSWERS = [
    Wrong(
        LESSON,
        "remembers in memory only",
        AGAIN,
        ((LOOP, "            seen = set()\n" + LOOP), (CALL, CALL_UNLESS_SEEN)),
    ),
    Wrong(LESSON, "remembers before and commits", TOGETHER, (NO_TRANSACTION,)),
    Wrong(LESSON, "loses what it remembers before", SURVIVES, (NO_TRANSACTION,)),
    Wrong(LESSON, "remembers afterwards", TOGETHER, ((SHIP, REMEMBER_AFTERWARDS),)),
    Wrong(LESSON, "skips what is redelivered", TWICE, ((CALL, CALL_UNLESS_REDELIVERED),)),
    Wrong(
        LESSON,
        "looks before the transaction",
        "two services that hold the same event ship its order once",
        ((SHIP, LOOK_BEFORE),),
    ),
    Wrong(LESSON, "acknowledges first", SURVIVES, ((ACK, ""), (CALL, ACK + CALL))),
    Wrong(
        LESSON,
        "acknowledges before the commit",
        SURVIVES,
        ((ACK, ""), (CALL, CALL_AND_ACK_IN_TRANSACTION)),
    ),
    Wrong(
        LESSON,
        "keeps what it knows already",
        "every copy of an event leaves the queue",
        ((CALL, CALL_OR_SKIP + CALL),),
    ),
]
