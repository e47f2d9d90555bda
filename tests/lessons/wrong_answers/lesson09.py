"""Wrong answers to exercise 09."""

from wrong_answers.wrong import Wrong

LESSON = "09_ordering"
NOTE = """    with transaction(ledger):
        known = trip(ledger, event["subject"])
        if known is None or event["sequence"] > known[1]:
            write(ledger, event["subject"], event["type"], event["sequence"])
"""
LOOK_BEFORE = """    known = trip(ledger, event["subject"])
    if known is None or event["sequence"] > known[1]:
        with transaction(ledger):
            write(ledger, event["subject"], event["type"], event["sequence"])
"""
BY_TYPE = """    life = ["trip.requested", "driver.accepted", "trip.started", "trip.completed"]
    with transaction(ledger):
        known = trip(ledger, event["subject"])
        if known is None or life.index(event["type"]) > life.index(known[0]):
            write(ledger, event["subject"], event["type"], event["sequence"])
"""
IN_MEMORY = """    if event["sequence"] > known.get(event["subject"], 0):
        write(ledger, event["subject"], event["type"], event["sequence"])
        known[event["subject"]] = event["sequence"]
"""
MAIN = "@click.command()\n"
NUMBER, KNOWN = 'event["sequence"]', 'trip(ledger, event["subject"])'
OF_ALL = 'ledger.execute("SELECT max(state), max(sequence) FROM trips HAVING count(*)").fetchone()'
CALL = "                note(ledger, event)\n"
CALL_UNLESS_REDELIVERED = (
    "                if not method.redelivered:\n                    note(ledger, event)\n"
)
CALL_UNLESS_OLD = """                known = trip(ledger, event["subject"])
                if known and event["sequence"] <= known[1]:
                    continue
"""
ACK = "                channel.basic_ack(method.delivery_tag)\n"

NEWEST = "a trip's state is that of its latest event"
SURVIVES = "no event is lost, whoever dies when"

WRONG_ANSWERS = [
    Wrong(LESSON, "goes by the clock", NEWEST, ((NUMBER, 'event["time"]'),)),
    Wrong(LESSON, "has one sequence for all trips", NEWEST, ((KNOWN, OF_ALL),)),
    Wrong(LESSON, "goes by the type", "a trip that is requested again is requested", ((NOTE, BY_TYPE),)),
    Wrong(
        LESSON,
        "remembers in memory only",
        "started anew, it knows what it knew",
        ((NOTE, IN_MEMORY), (MAIN, "known = {}\n\n\n" + MAIN)),
    ),
    Wrong(
        LESSON,
        "looks before the transaction",
        "two services that have events of one trip keep its state",
        ((NOTE, LOOK_BEFORE),),
    ),
    Wrong(LESSON, "acknowledges first", SURVIVES, ((ACK, ""), (CALL, ACK + CALL))),
    Wrong(LESSON, "skips what is redelivered", SURVIVES, ((CALL, CALL_UNLESS_REDELIVERED),)),
    Wrong(LESSON, "keeps what is old", "every event leaves the queue", ((CALL, CALL_UNLESS_OLD + CALL),)),
]
