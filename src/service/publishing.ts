/** What is needed to write a workspace's reports, besides its records. */
import { join } from 'node:path';
import { calendarTold, lacksApprovers, yesSoFar } from '../control/control.ts';
import type { ReportContext, Turn } from '../reports/reports.ts';
import type { Settings } from '../settings/settings.ts';
import { lockWorkspace } from '../store/store.ts';

/**
 * The turn to publish. Undefined while another process has it. The operating system takes it back from a process that
 * ends.
 */
export function takeTurnToPublish(settings: Settings): Turn | undefined {
  return lockWorkspace(join(settings.data, 'publishing'));
}

export function reportContext(settings: Settings): ReportContext {
  const { api, baseUrl } = settings.provider;
  return {
    provider: { api, sandbox: baseUrl === 'sandbox', baseUrl: String(baseUrl) },
    submit: settings.submit,
    schedule: settings.schedule,
    calendar: calendarTold(settings),
    control: {
      signed: settings.people.some(({ may }) => may.has('approve')),
      yesTo: (payout, approvals) => yesSoFar(payout, approvals, settings),
      lacksApprovers: (held, file) => lacksApprovers(held, file, settings),
    },
    bom: settings.reports.bom,
  };
}
