import type { SimulatedApi } from './api.ts';
import { collect, orderManagement } from './imburse.ts';
import { payoutOrders } from './payout-orders.ts';

/** The provider APIs that are simulated. */
export const APIS: readonly SimulatedApi[] = [payoutOrders, collect, orderManagement];
