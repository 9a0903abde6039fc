// The health check of the image: ends with 0 when the address given as argument answers, or else the worker's own readiness.
const [address = `http://${process.env.HEALTH_ADDRESS}/readyz`] = process.argv.slice(2);
const isHealthy = await fetch(address).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(isHealthy ? 0 : 1);
