package slipway.keycloak.hashing;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.bouncycastle.crypto.generators.OpenBSDBCrypt;

/**
 * A bcrypt hash in its usual text, {@code $2b$12$} and 53 characters. The three prefixes that are read stand for the
 * same function; {@code $2x$} and {@code $2$} stand for others, with known defects, and are not read.
 */
record BcryptHash(String text, int cost) {

    /** A hash of a higher cost keeps a processor busy for seconds with each attempt to sign in. */
    static final int MOST_COST = 16;

    private static final Pattern SHAPE = Pattern.compile("\\$2[aby]\\$(\\d{2})\\$[./A-Za-z0-9]{53}");
    private static final int LEAST_COST = 4;
    private static final int SALT_ENDS_AT = 28;
    private static final int HASH_ENDS_AT = 59;
    private static final String ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /** Nothing when the text is no such hash, or one of a cost that is not accepted. */
    static Optional<BcryptHash> parse(String text) {
        Matcher shape = SHAPE.matcher(text == null ? "" : text);
        if (!shape.matches()) {
            return Optional.empty();
        }
        int cost = Integer.parseInt(shape.group(1));
        if (cost < LEAST_COST || cost > MOST_COST) {
            return Optional.empty();
        }
        return Optional.of(new BcryptHash(withoutUnusedBits(text), cost));
    }

    /**
     * Whether this is the hash of the password. As in the systems that hashes come from, its first 72 bytes of UTF-8
     * decide.
     *
     * A password with a NUL is refused: bcrypt repeats the password, with a NUL after it, until it has 72 bytes, so that
     * {@code a} and {@code a\0a} have one hash, and the second would become the person's password.
     */
    boolean isOf(String password) {
        return password.indexOf('\0') < 0 && OpenBSDBCrypt.checkPassword(text, password.toCharArray());
    }

    /**
     * The salt's last character has four bits that nothing reads, the hash's last has two. Some old libraries left them
     * set; the comparison of texts needs them empty.
     */
    private static String withoutUnusedBits(String text) {
        StringBuilder clean = new StringBuilder(text);
        clean.setCharAt(SALT_ENDS_AT, masked(text.charAt(SALT_ENDS_AT), 0x30));
        clean.setCharAt(HASH_ENDS_AT, masked(text.charAt(HASH_ENDS_AT), 0x3c));
        return clean.toString();
    }

    private static char masked(char letter, int bits) {
        return ALPHABET.charAt(ALPHABET.indexOf(letter) & bits);
    }

    @Override
    public String toString() {
        return "a bcrypt hash of cost " + cost;
    }
}
