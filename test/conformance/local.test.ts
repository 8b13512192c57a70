import { localTransport } from '../../src/transport/local.ts';
import { conformance } from './transport.ts';

const transport = localTransport({ become: { enabled: false } });

conformance('local', () => ({ transport, host: 'localhost' }));
