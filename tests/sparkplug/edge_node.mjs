// A Sparkplug B edge node by somebody else's library: `node edge_node.mjs PORT STATE_AT FIRST_TOTAL`. It is born, and
// again when it is asked; each SIGUSR2 makes it take the next of its steps. All that is measured carries times of one
// day, in milliseconds, so that figures can be told beforehand.
import { createRequire } from 'node:module'

const sparkplug = createRequire(import.meta.url)('sparkplug-client')

const day = Date.UTC(2025, 0, 6)
const [port, stateAt, firstTotal] = process.argv.slice(2).map(Number)
const known = { state: 'running', stateAt: day + stateAt, total: firstTotal, totalAt: day + stateAt, temperature: 20 }

const client = sparkplug.newClient({
  serverUrl: `mqtt://127.0.0.1:${port}`,
  username: '',
  password: '',
  groupId: 'Plant1',
  edgeNode: 'Gateway',
  clientId: `edge-node-${process.pid}`,
})

const state = () => ({ name: 'Status/State', type: 'String', value: known.state, timestamp: known.stateAt })
const total = () => ({ name: 'good_total', type: 'UInt32', value: known.total, timestamp: known.totalAt })
const temperature = () => ({ name: 'spindle/temp', type: 'Double', value: known.temperature, timestamp: known.totalAt })

function birth() {
  client.publishNodeBirth({
    timestamp: Date.now(),
    metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: false }],
  })
  deviceBirth(Date.now())
  console.log('born')
}

function deviceBirth(timestamp) {
  const offset = { name: 'offset', type: 'Int8', value: -5, timestamp: known.totalAt }
  const curve = {
    name: 'curve', type: 'DataSet',
    value: { numOfColumns: 1, types: ['Int32'], columns: ['x'], rows: [[1], [2]] },
  }
  client.publishDeviceBirth('M1', { timestamp, metrics: [state(), total(), temperature(), offset, curve] })
}

function produce() {
  for (let i = 1; i <= 100; i++) {
    known.total += 1
    known.totalAt += 1000
    known.temperature = i / 4
    const metrics = [total(), temperature()]
    if (i === 50) {
      known.state = 'idle'
      known.stateAt = known.totalAt
      metrics.push(state())
    }
    client.publishDeviceData('M1', { timestamp: known.totalAt, metrics })
  }
}

const steps = [
  produce,
  () => client.publishDeviceDeath('M1', { timestamp: day + 200_000, metrics: [] }),
  () => {
    known.state = 'running'
    known.stateAt = known.totalAt = day + 300_000
    deviceBirth(day + 300_000)
  },
  produce,
]

client.on('birth', birth)
client.on('ncmd', (payload) => {
  if (!payload.metrics?.some((metric) => metric.name === 'Node Control/Rebirth' && metric.value === true)) return
  console.log('asked for a rebirth')
  birth()
})
let taken = 0
process.on('SIGUSR2', () => {
  steps[taken++]()
  console.log(`step ${taken}`)
})
