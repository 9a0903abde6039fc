import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

export interface SeverableLine {
  /** Host and port to connect to. */
  address: string;
  /** Breaks all connections and refuses new ones until `mend`. */
  sever(): void;
  mend(): void;
  close(): Promise<void>;
}

/** A real TCP line to a server, for those to whom its going away is to be shown while others go on to reach it. */
export async function severableLine(to: string): Promise<SeverableLine> {
  const { hostname: host, port } = new URL(`tcp://${to}`);
  const sockets = new Set<Socket>();
  let severed = false;
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    if (severed) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sever() {
      severed = true;
      drop();
    },
    mend() {
      severed = false;
    },
    async close() {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
