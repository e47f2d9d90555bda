"""Wrong answers to exercise 01."""

from wrong_answers.wrong import Wrong

LESSON = "01_first_event"
IMPORT = "import json\n"
CONSUME = "channel.consume(QUEUE)"
DECLARE = "            channel.queue_declare(QUEUE, durable=True)\n"
SHIP = "                schedule_shipment(order_id)\n"
SHIP_SOME = "                if int(order_id[-1]) % 2:\n                    schedule_shipment(order_id)\n"
ACK = "                channel.basic_ack(method.delivery_tag)\n"

WRONG_ANSWERS = [
    Wrong(LESSON, "never acknowledges", "an order that is shipped leaves the queue", ((ACK, ""),)),
    Wrong(LESSON, "ships twice", "no order gets two shipments", ((SHIP, SHIP + SHIP),)),
    Wrong(
        LESSON,
        "ships to the customer's name",
        "every order gets a shipment",
        (('["order_id"]', '["customer"]'),),
    ),
    Wrong(LESSON, "ships every second order", "every order gets a shipment", ((SHIP, SHIP_SOME),)),
    Wrong(
        LESSON,
        "ends when it has worked",
        "it goes on listening for orders to come",
        ((IMPORT, IMPORT + "from itertools import islice\n"), (CONSUME, f"islice({CONSUME}, 5)")),
    ),
    Wrong(LESSON, "declares nothing", "it may be the first to start", ((DECLARE, ""),)),
]
