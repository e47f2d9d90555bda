// Exercise 02 in Node.js: an order is acknowledged when its shipment is on disk, and not before.

import { execFileSync } from "node:child_process";
import amqp from "amqplib";

const QUEUE = "lesson02.orders";
const { AMQP_URL = "amqp://guest:guest@localhost:5672/%2F", LEDGER = "shipments.sqlite" } = process.env;

// Returns when the shipment is on disk; throws when it cannot be written. The bench locks the ledger now and
// then, so we wait for it, up to five seconds.
function scheduleShipment(orderId) {
  if (!/^[\w-]+$/.test(orderId)) throw new Error(`${orderId} is no order id`);
  execFileSync("sqlite3", ["-bail", "-cmd", ".timeout 5000", LEDGER], {
    input: `CREATE TABLE IF NOT EXISTS shipments (order_id TEXT NOT NULL);
            INSERT INTO shipments (order_id) VALUES ('${orderId}');`,
  });
}

const connection = await amqp.connect(AMQP_URL);
// The end of the connection is our end: whoever starts us again gets the orders that we did not acknowledge.
connection.on("error", () => {});
connection.on("close", () => process.exit(1));
process.on("SIGINT", () => process.exit(0));

const channel = await connection.createChannel();
await channel.assertQueue(QUEUE, { durable: true });
await channel.consume(QUEUE, (message) => {
  const orderId = JSON.parse(message.content).order_id;
  scheduleShipment(orderId); // an error ends us here, and the order is not acknowledged
  channel.ack(message);
  console.log(`scheduled ${orderId}`);
});
