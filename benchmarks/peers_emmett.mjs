// Emmett as benchmarks/peers_npm.py drives it: a line of JSON asks, a line of JSON answers how many seconds it took.
// Run where Emmett is installed, with the address of the database; ends with its input.
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { SQL } from "@event-driven-io/dumbo";
import {
  getPostgreSQLEventStore,
  postgreSQLEventStoreConsumer,
  postgreSQLRawBatchSQLProjection,
} from "@event-driven-io/emmett-postgresql";

const connectionString = process.argv[2];
const store = getPostgreSQLEventStore(connectionString);

let counted = 0;

const counts = postgreSQLRawBatchSQLProjection({
  name: "event_counts",
  canHandle: ["rapport.ProposeRelationship", "rapport.RecordContact"],
  init: () => SQL`CREATE TABLE IF NOT EXISTS event_counts
    (stream text, type text, events bigint NOT NULL, PRIMARY KEY (stream, type))`,
  evolve: (events) => {
    counted += events.length;
    const rows = JSON.stringify(events.map(({ type, metadata }) => [metadata.streamName, type]));
    return [
      SQL`INSERT INTO event_counts SELECT r->>0, r->>1, count(*) FROM jsonb_array_elements(${rows}::jsonb) AS r GROUP BY 1, 2
      ON CONFLICT (stream, type) DO UPDATE SET events = event_counts.events + excluded.events`,
    ];
  },
});

const work = {
  // Each client appends its own batches, one after the other: the events of one stream each.
  append: ({ clients }) =>
    Promise.all(
      clients.map(async (batches) => {
        for (const [stream, events] of batches) await store.appendToStream(stream, events);
      }),
    ),
  load: async ({ stream, times, events }) => {
    for (let time = 0; time < times; time++) {
      const { length } = (await store.readStream(stream)).events;
      if (length !== events) throw new Error(`read ${length} events of ${events}`);
    }
  },
  // Larger pages than the default of 100, and no rest of 50 ms between them.
  project: async () => {
    const pulling = { batchSize: 1000, pullingFrequencyInMs: 1 };
    const consumer = postgreSQLEventStoreConsumer({ connectionString, stopWhen: { noMessagesLeft: true }, pulling });
    consumer.projector({ projection: counts });
    await consumer.start();
    await consumer.close();
  },
};

await store.schema.migrate();
console.log("{}");
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const start = performance.now();
  await work[asked.work](asked);
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, counted }));
}
await store.close();
process.exit(0);
