// Principal components: many features seen from where they differ most.
//
// Each column is centred and divided by its standard deviation (a constant one
// counts for nothing, a value that is not there as the mean); the covariance of
// these is the correlation matrix, whose eigenvectors Jacobi's rotations give
// (Golub & Van Loan, Matrix Computations, 8.5).  A component's sign is free: its
// largest loading is made positive, so that the picture does not flip.

const SWEEPS = 50;

// rows: arrays of numbers or null → { points: [[first, second]], share: of the
// variance, each; loadings: [[…], […]] }
export function project(rows) {
	const width = rows[0]?.length ?? 0;
	if (rows.length < 2 || width < 2) return { points: rows.map(() => [0, 0]), share: [0, 0], loadings: [[], []] };
	const scaled = standardise(rows, width);
	const matrix = correlation(scaled, width);
	const { values, vectors } = eigen(matrix);
	const total = values.reduce((sum, value) => sum + value, 0) || 1;
	const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]).slice(0, 2);
	const loadings = order.map((k) => signed(vectors.map((row) => row[k])));
	return {
		points: scaled.map((row) => loadings.map((loading) => row.reduce((sum, value, j) => sum + value * loading[j], 0))),
		share: order.map((k) => values[k] / total),
		loadings,
	};
}

function standardise(rows, width) {
	const columns = Array.from({ length: width }, (_, j) => {
		const known = rows.map((row) => row[j]).filter((value) => value !== null);
		const mean = known.reduce((sum, value) => sum + value, 0) / (known.length || 1);
		const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (rows.length - 1);
		return { mean, spread: Math.sqrt(variance) };
	});
	return rows.map((row) => row.map((value, j) => {
		const { mean, spread } = columns[j];
		return value === null || spread < 1e-12 * Math.max(Math.abs(mean), 1e-300) || spread === 0 ? 0 : (value - mean) / spread;
	}));
}

function correlation(rows, width) {
	const matrix = Array.from({ length: width }, () => new Array(width).fill(0));
	for (const row of rows) {
		for (let i = 0; i < width; i++) {
			for (let j = i; j < width; j++) matrix[i][j] += row[i] * row[j];
		}
	}
	for (let i = 0; i < width; i++) {
		for (let j = i; j < width; j++) matrix[j][i] = matrix[i][j] /= rows.length - 1;
	}
	return matrix;
}

// Cyclic Jacobi of a symmetric matrix; columns of vectors are eigenvectors.
export function eigen(given) {
	const a = given.map((row) => [...row]);
	const n = a.length;
	const vectors = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
	for (let sweep = 0; sweep < SWEEPS; sweep++) {
		let off = 0;
		for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p][q] ** 2;
		if (off < 1e-24) break;
		for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, p, q);
	}
	return { values: a.map((row, i) => row[i]), vectors };
}

function rotate(a, vectors, p, q) {
	if (Math.abs(a[p][q]) < 1e-300) return;
	const tau = (a[q][q] - a[p][p]) / (2 * a[p][q]);
	const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
	const c = 1 / Math.sqrt(1 + t * t);
	const s = t * c;
	for (let k = 0; k < a.length; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
	for (let k = 0; k < a.length; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
	for (const row of vectors) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
}

function signed(loading) {
	const largest = loading.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
	return largest < 0 ? loading.map((value) => -value) : loading;
}
