// Who looks at the page, and what they may do.  The token itself is in a cookie
// that no script can read; rpc/session says whose it is.

import { ApiError, call, get, onRefused } from './api.js';
import { ask } from './dialog.js';
import { moment } from './format.js';
import { toast } from './toast.js';

const NEEDS = 1;	// the version of the API's schema that this page is for
const VIEWER = { version: null, username: null, may: [], has_login: false, expires_at: null };

export class Session {
	// onChange() whenever somebody else looks at the page
	constructor(onChange) {
		this.onChange = onChange;
		this.is = VIEWER;
		onRefused(() => this.ended());
		this.cleared = false;
	}

	may(name) {
		return this.is.may.includes(name);
	}

	async load() {
		try {
			this.is = await get('rpc/session');
		} catch (error) {
			// a schema from before there were versions
			if (error.status === 404) this.is = { ...VIEWER, version: 0 };
		}
		clearTimeout(this.timer);
		const left = Date.parse(this.is.expires_at) - Date.now();
		if (left < 2 ** 31) this.timer = setTimeout(() => this.ended(), Math.max(left, 0));	// false for NaN, too
		this.onChange();
	}

	// What is wrong with the schema behind the page, if anything.
	trouble() {
		const { version } = this.is;
		if (version === null || version >= NEEDS) return null;
		return `The API is older than this page (version ${version}, the page needs ${NEEDS}): some panels will fail until anomaly_create_api is called again.`;
	}

	logIn() {
		return ask({
			title: 'Log in',
			text: 'Looking needs no login; deciding does.',
			fields: {
				username: { label: 'Name', required: true, autocomplete: 'username', maxlength: 63 },
				password: { label: 'Password', kind: 'password', required: true, autocomplete: 'current-password', maxlength: 72 },
			},
			action: 'Log in',
			submit: async (values) => {
				await call('login', values);
				await this.load();
				if (!this.is.username) throw new ApiError('the browser did not keep the session', 'Are cookies of this page blocked?');
				return true;
			},
		});
	}

	// Who is logged in, until when, and the way out.
	async show(zone) {
		const { username, expires_at: end, may } = this.is;
		const left = await ask({
			title: username,
			text: `${may.includes('suppress') ? 'Administrator' : 'Analyst'}; this session ends ${moment(Date.parse(end), zone)}.`,
			action: 'Log out',
			submit: async () => {
				await call('end_session');
				return true;
			},
		});
		if (left) await this.load();
	}

	// The token is no longer good: on as a viewer, once for all answers that said
	// so.  Whoever is a viewer already may have the cookie of another store.
	ended() {
		const { username } = this.is;
		if (!username && this.cleared) return;
		this.cleared = true;
		this.is = { ...this.is, username: null, may: [] };
		call('logout').catch(() => {}).then(() => this.load());
		if (username) toast('Your session has ended.', { word: 'Log in', run: () => this.logIn() });
	}
}
