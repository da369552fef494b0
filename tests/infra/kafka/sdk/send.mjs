// Makes events with the SDK of CloudEvents, in the forms in which others send them, and sends messages with kafkajs.
//
// Reads one JSON object from standard input. {"events": […]} prints each event's forms; {"send": {bootstrap, topic,
// partitioner, messages}} sends messages (headers, key, value).
import { readFileSync } from "node:fs";
import { CloudEvent, HTTP, Kafka as Binding } from "cloudevents";
import { Kafka, Partitioners, logLevel } from "kafkajs";

const asked = JSON.parse(readFileSync(0, "utf8"));

// The binding leaves it to the sender to write the data of binary mode as JSON, and an absent header is undefined.
const plain = ({ headers, key, value }) => ({
  headers: Object.fromEntries(Object.entries(headers).filter(([, text]) => text !== undefined)),
  key,
  value: typeof value === "string" ? value : JSON.stringify(value),
});

function forms(attributes) {
  const event = new CloudEvent(attributes);
  return {
    "kafka binary": plain(Binding.binary(event)),
    "kafka structured": plain(Binding.structured(event)),
    "http structured": HTTP.structured(event).body,
    "to string": event.toString(),
    "to JSON": JSON.stringify(event.toJSON()),
  };
}

async function send({ bootstrap, topic, partitioner, messages }) {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners[partitioner], allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, messages });
  await producer.disconnect();
}

if (asked.events) console.log(JSON.stringify(asked.events.map(forms)));
if (asked.send) await send(asked.send);
