/**
 * The same port: `begin` is called before each of its effects, and what it returns after that. What `reading` names is no
 * effect.
 */
export function watched<T extends object>(port: T, begin: () => () => void, reading: ReadonlySet<string>): T {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value === 'object' && value !== null) return watched(value, begin, reading);
      if (typeof value !== 'function' || reading.has(String(name))) return value;
      return (...args: unknown[]) => {
        const end = begin();
        const result: unknown = value.apply(target, args);
        if (!(result instanceof Promise)) return result;
        return result.then((done: unknown) => {
          end();
          return done;
        });
      };
    },
  });
}
