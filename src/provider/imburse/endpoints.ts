/**
 * The endpoints that read, change and show records in the Imburse APIs. None of these verbs and paths was ever
 * published [I]: they are settings, and these are the defaults. A path's placeholders stand for percent-encoded
 * references.
 */
import type { HttpMethod } from '../http.ts';

export const ENDPOINT_NAMES = [
  'getCustomer',
  'getOrder',
  'getInstruction',
  'updateInstruction',
  'deleteInstruction',
  'customerHistory',
  'orderHistory',
  'instructionHistory',
] as const;

export type EndpointName = (typeof ENDPOINT_NAMES)[number];

/** `VERB /path/{customerRef}…` */
export type Endpoints = Readonly<Record<EndpointName, string>>;

export const COLLECT_ENDPOINTS: Endpoints = below(
  '/v1/collect/customer/{customerRef}',
  '/v1/collect/customer/{customerRef}/order/{orderRef}',
);

export const ORDER_MANAGEMENT_ENDPOINTS: Endpoints = below(
  '/v1/order-management/customer/{customerRef}',
  '/v1/order-management/{orderRef}',
);

function below(customer: string, order: string): Endpoints {
  const instruction = `${order}/instruction/{instructionRef}`;
  return {
    getCustomer: `GET ${customer}`,
    getOrder: `GET ${order}`,
    getInstruction: `GET ${instruction}`,
    updateInstruction: `PUT ${instruction}`,
    deleteInstruction: `DELETE ${instruction}`,
    customerHistory: `GET ${customer}/audit`,
    orderHistory: `GET ${order}/audit`,
    instructionHistory: `GET ${instruction}/audit`,
  };
}

/** The references that a path can name. */
export interface PathRefs {
  readonly customerRef: string;
  readonly orderRef?: string;
  readonly instructionRef?: string;
}

/** The allowed verbs: a look-up must not change a record. */
const VERBS: Readonly<Record<EndpointName, readonly HttpMethod[]>> = {
  getCustomer: ['GET'],
  getOrder: ['GET'],
  getInstruction: ['GET'],
  updateInstruction: ['PUT', 'PATCH', 'POST'],
  deleteInstruction: ['DELETE', 'POST'],
  customerHistory: ['GET'],
  orderHistory: ['GET'],
  instructionHistory: ['GET'],
};

/** The references that a path needs: without them it would lead to another record. */
const NEEDED: Readonly<Record<EndpointName, readonly string[]>> = {
  getCustomer: ['customerRef'],
  getOrder: ['orderRef'],
  getInstruction: ['orderRef', 'instructionRef'],
  updateInstruction: ['orderRef', 'instructionRef'],
  deleteInstruction: ['orderRef', 'instructionRef'],
  customerHistory: ['customerRef'],
  orderHistory: ['orderRef'],
  instructionHistory: ['orderRef', 'instructionRef'],
};

const FORM = /^([A-Z]+) (\/\S*)$/;
const PLACEHOLDER = /\{([^{}]*)\}/g;
/** A path without its placeholders, in the characters of RFC 3986 (3.3); it has no query and no fragment. */
const PLAIN_PATH = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const DOTS = /^\.{1,2}$/;

/**
 * What is wrong with an endpoint, as the end of a sentence that begins with its name; undefined when it can be used.
 */
export function endpointProblem(text: string, name: EndpointName): string | undefined {
  const [, verb = '', path = ''] = FORM.exec(text) ?? [];
  if (path === '') return 'must be a verb and a path, such as "GET /v1/orders/{orderRef}"';
  const verbs: readonly string[] = VERBS[name];
  if (!verbs.includes(verb)) return `must begin with ${verbs.join(' or ')}, not ${verb}`;
  const named = [...path.matchAll(PLACEHOLDER)].map(([, reference = '']) => reference);
  const known = [...new Set(['customerRef', ...NEEDED[name]])];
  const unknown = named.find((reference) => !known.includes(reference));
  if (unknown !== undefined)
    return `has the placeholder {${unknown}}; there ${known.length > 1 ? 'are' : 'is only'} ${braced(known)}`;
  const missing = NEEDED[name].filter((reference) => !named.includes(reference));
  if (missing.length > 0) return `must have ${braced(missing)} in its path`;
  const plain = path.replace(PLACEHOLDER, '');
  if (!PLAIN_PATH.test(plain)) return 'has a character in its path that must be percent-encoded, or a query';
  if (path.split('/').some((segment) => DOTS.test(segment))) return 'has a path with "." or ".." in it';
  return undefined;
}

function braced(names: readonly string[]): string {
  return names.map((name) => `{${name}}`).join(' and ');
}

/** The request line for an endpoint; undefined when a reference would change the path, as `..` does. */
export function requestLine(
  endpoint: string,
  refs: PathRefs,
): { readonly method: HttpMethod; readonly path: string } | undefined {
  const [verb = '', template = ''] = endpoint.split(' ');
  const values = new Map(Object.entries(refs));
  let fits = true;
  const path = template.replace(PLACEHOLDER, (_, name: string) => {
    const value: string = values.get(name) ?? '';
    if (value === '' || DOTS.test(value)) fits = false;
    return encodeURIComponent(value);
  });
  return fits ? { method: verb as HttpMethod, path } : undefined;
}
