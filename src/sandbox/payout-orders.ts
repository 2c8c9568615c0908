/**
 * The signed payout-order API of the sandbox. Credentials and signature are checked first, then the fields. A
 * clientRefId can be used only once, for ever. The documented maximum lengths of the fields are not enforced: the
 * documentation's own samples exceed them.
 */
import { createHash } from 'node:crypto';
import { add, compare, type Decimal, formatDecimal, grouped, parseDecimal } from '../domain/money.ts';
import {
  encodeOrder,
  ORDER_FIELDS,
  type OrderFields,
  type PayoutKeys,
  signGet,
  signPost,
} from '../provider/provider.ts';
import {
  badSignature,
  declined,
  type FieldErrors,
  invalid,
  notFound,
  PAYOUT_ORDERS_DIALECT,
  success,
  unauthorized,
} from './answer.ts';
import type { Book, SandboxOrder } from './book.ts';
import { type Answer, type Call, parseObject, type Received } from './call.ts';
import { drawHex } from './draw.ts';
import { NO_SUBJECT, type Subject } from './faults.ts';

const BASE = '/v1/service/payout';
const ORDERS = `${BASE}/orders`;
const CONTACTS = `${BASE}/contacts`;
const ACCOUNT = `${BASE}/accountInfo`;

const PURPOSES = ['reimbursement', 'salary_disbursement', 'bonus', 'incentive', 'others', 'refund'];
const MODES = ['IMPS', 'NEFT', 'RTGS', 'UPI'];
const AMOUNT_DECIMALS = 2;
const ZERO: Decimal = { units: 0n, scale: 0 };

/** At most this many orders in one list, also without paging. */
const LIST_LIMIT = 1000;

/** Balances are strings with commas between thousands. The main balance is not what payouts are paid from. */
const MAIN_BALANCE = '1,250.00';
const NEVER_EMPTY = '999,999,999,999.99';

interface PayoutOrdersOptions {
  readonly book: Book;
  readonly keys: PayoutKeys;
  readonly seed: string;
  /** Decimal text: what the account had at the start. Undefined for an account that never runs out of money. */
  readonly balance: string | undefined;
}

/** The API over a book of orders. Contacts live as long as the sandbox does. */
export function payoutOrdersApi({ book, keys, seed, balance }: PayoutOrdersOptions): (request: Received) => Call {
  const contacts = openContacts(seed);
  const account = openAccount(book, balance);

  function createOrder(body: Buffer): Answer {
    const sent = parseObject(body);
    const errors = fieldErrors(sent, (clientRefId) => book.find(clientRefId) !== undefined);
    if (Object.keys(errors).length > 0) return invalid(errors);
    if (!account.covers(fieldsOf(sent).amount)) return declined('Insufficient balance');
    const order = book.accept(fieldsOf(sent), createHash('sha256').update(body).digest('hex'));
    const { clientRefId } = order.fields;
    return success('Order created successfully', { clientRefId, orderRefId: order.orderRefId, status: order.status });
  }

  function readOrder(id: string): Answer {
    const order = book.find(id);
    if (!order) return notFound();
    book.step(order);
    return success('Record found', view(order));
  }

  function listOrders(query: URLSearchParams): Answer {
    const page = [query.get('offset'), query.get('limit')].map((text) =>
      /^[0-9]{1,9}$/.test(text ?? '') ? Number(text) : -1,
    );
    const [offset = -1, limit = -1] = page;
    const paged = offset >= 0 && limit >= 0;
    const orders = paged ? book.list(offset, Math.min(limit, LIST_LIMIT)) : book.list(0, LIST_LIMIT);
    return success('Records found', orders.map(view));
  }

  function answer(request: Received): Answer {
    const { method, path, body } = request;
    if (request.headers.authorization !== basic(keys)) return unauthorized();
    if (!isSigned(request, keys)) return badSignature();
    if (method === 'POST' && path === ORDERS) return createOrder(body);
    if (method === 'POST' && path === CONTACTS) return contacts.create(body);
    if (method !== 'GET') return notFound();
    if (path === ORDERS) return listOrders(request.query);
    if (path === ACCOUNT)
      return success('Account found', { mainBalance: MAIN_BALANCE, payoutBalance: account.balance() });
    const orderId = idBehind(ORDERS, path);
    if (orderId !== undefined) return readOrder(orderId);
    const contactId = idBehind(CONTACTS, path);
    return contactId === undefined ? notFound() : contacts.read(contactId);
  }

  /** What a request is about. Faults strike only requests that send or look up one order. */
  function order({ method, path, body }: Received): Pick<Call, 'on' | 'about' | 'isKnown'> {
    if (method === 'POST' && path === ORDERS)
      return { on: 'post', about: subject(fieldsOf(parseObject(body))), isKnown: true };
    const id = method === 'GET' ? idBehind(ORDERS, path) : undefined;
    if (id === undefined) return { on: 'other', about: NO_SUBJECT, isKnown: false };
    const known = book.find(id)?.fields;
    return {
      on: 'get',
      about: known ? subject(known) : { ...NO_SUBJECT, clientRefId: id },
      isKnown: known !== undefined,
    };
  }

  return (request) => ({
    api: 'payout-orders',
    ...order(request),
    correlationId: '',
    act: () => answer(request),
    dialect: PAYOUT_ORDERS_DIALECT,
  });
}

/** What the account has left of its balance at the start. */
function openAccount(book: Book, start: string | undefined): { covers(amount: string): boolean; balance(): string } {
  const had = start === undefined ? undefined : parseDecimal(start);
  if (!had) return { covers: () => true, balance: () => NEVER_EMPTY };
  const left = () => {
    const { units, scale } = book.spent();
    return add(had, { units: -units, scale });
  };
  return {
    covers: (amount) => compare(parseDecimal(amount) ?? ZERO, left()) <= 0,
    balance: () => grouped(formatDecimal(left(), AMOUNT_DECIMALS)),
  };
}

function openContacts(seed: string): { create(body: Buffer): Answer; read(id: string): Answer } {
  const contacts = new Map<string, object>();
  return {
    create(body) {
      const contactId = `CONT_${drawHex(seed, 'contact', body.toString()).slice(0, 20).toUpperCase()}`;
      contacts.set(contactId, { ...parseObject(body), contactId });
      return success('Contact created successfully', { contactId });
    },
    read(id) {
      const contact = contacts.get(id);
      return contact ? success('Record found', contact) : notFound();
    },
  };
}

function subject({ clientRefId, narration, remark, contactId }: OrderFields): Subject {
  return { ...NO_SUBJECT, clientRefId, narration, remark, contactId };
}

function basic({ clientKey, clientSecret }: PayoutKeys): string {
  return `Basic ${Buffer.from(`${clientKey}:${clientSecret}`).toString('base64')}`;
}

/**
 * The signature of an order must fit its bytes as sent, and also the bytes that PHP rebuilds from the trimmed values.
 */
function isSigned({ method, path, headers, body }: Received, keys: PayoutKeys): boolean {
  if (method === 'GET') return headers['signature'] === signGet(path, keys);
  const sent = body.toString();
  const rebuilt = path === ORDERS ? encodeOrder(fieldsOf(parseObject(body))) : sent;
  return [sent, rebuilt].every((json) => headers['signature'] === signPost(json, path, keys));
}

/** Every field's errors, in the documented order; a field without an error is left out. */
function fieldErrors(sent: Record<string, unknown>, isUsed: (clientRefId: string) => boolean): FieldErrors {
  const fields = fieldsOf(sent);
  const errors: Record<string, string[]> = {};
  for (const name of ORDER_FIELDS) {
    const problem = fieldProblem(name, fields[name], isUsed);
    if (problem) errors[name] = [problem];
  }
  return errors;
}

function fieldProblem(
  name: keyof OrderFields,
  value: string,
  isUsed: (clientRefId: string) => boolean,
): string | undefined {
  if (name === 'contactId') return undefined;
  if (value === '') return `The ${name} field is required.`;
  switch (name) {
    case 'amount': {
      const amount = parseDecimal(value);
      if (!amount) return 'The amount must be a number.';
      if (compare(amount, ZERO) <= 0) return 'The amount must be greater than 0.';
      return amount.scale > AMOUNT_DECIMALS ? 'The amount may have at most 2 decimals.' : undefined;
    }
    case 'purpose':
      return PURPOSES.includes(value) ? undefined : 'The selected purpose is invalid.';
    case 'mode':
      return [...MODES, ...MODES.map((mode) => mode.toLowerCase())].includes(value)
        ? undefined
        : 'The selected mode is invalid.';
    case 'clientRefId':
      return isUsed(value) ? 'The clientRefId already exists.' : undefined;
    case 'narration':
    case 'remark':
      return undefined;
  }
}

/** [S] The trimmed values: servers trim before they hash and check. A value that isn't a string counts as absent. */
function fieldsOf(sent: Record<string, unknown>): OrderFields {
  const value = (name: string) => (typeof sent[name] === 'string' ? sent[name].trim() : '');
  return {
    contactId: value('contactId'),
    amount: value('amount'),
    purpose: value('purpose'),
    mode: value('mode'),
    narration: value('narration'),
    remark: value('remark'),
    clientRefId: value('clientRefId'),
  };
}

function idBehind(collection: string, path: string): string | undefined {
  const id = path.startsWith(`${collection}/`) ? path.slice(collection.length + 1) : '';
  if (id === '' || id.includes('/')) return undefined;
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

function view({ fields, orderRefId, status, createdAt, bankReference, failedMessage }: SandboxOrder): object {
  return {
    ...fields,
    orderRefId,
    status,
    createdAt,
    ...(bankReference && { bankReference }),
    ...(failedMessage && { failedMessage }),
  };
}
