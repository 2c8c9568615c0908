/** The bodies of requests, each read when it is asked for, and all of them together within a limit. */
import type { IncomingMessage } from 'node:http';

const MOST_BODY_BYTES = 1024 * 1024;
const MOST_BYTES_AT_ONCE = 16 * 1024 * 1024;

/** A request that is answered with this status because of its body. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Bodies {
  /** `read` gives the same at each call; `release` gives its room to others. */
  of(request: IncomingMessage): { read(): Promise<Buffer>; release(): void };
}

export function openBodies(): Bodies {
  let heldBytes = 0;
  return {
    of: (request) => {
      let bytes = 0;
      const take = (more: number): void => {
        bytes += more;
        heldBytes += more;
        if (bytes > MOST_BODY_BYTES) throw new Refused(413, `more than ${MOST_BODY_BYTES} bytes`);
        if (heldBytes > MOST_BYTES_AT_ONCE) throw new Refused(503, 'too much at once');
      };
      const all = async (): Promise<Buffer> => {
        if (Number(request.headers['content-length'] ?? 0) > MOST_BODY_BYTES)
          throw new Refused(413, `more than ${MOST_BODY_BYTES} bytes`);
        const chunks: Buffer[] = [];
        try {
          for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
            take(chunk.length);
            chunks.push(chunk);
          }
        } catch (error) {
          if (error instanceof Refused) throw error;
          throw new Refused(400, 'the body was cut off');
        }
        return Buffer.concat(chunks);
      };
      let read: Promise<Buffer> | undefined;
      return {
        read: () => {
          read ??= all();
          return read;
        },
        release: () => {
          heldBytes -= bytes;
          bytes = 0;
        },
      };
    },
  };
}
